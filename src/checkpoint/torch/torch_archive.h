// PyTorch zip archives, as torch.save has written since 1.6: pytorch_model.bin, .pt, .pth.
//
//   NAME/data.pkl    the pickled state dict; tensors refer to storages by key
//   NAME/data/KEY    the bytes of one storage
//   NAME/byteorder   "little" (missing before torch 2.1: little)
//   NAME/version, NAME/.data/..., NAME/.format_version, ...   not needed
//
// The readers themselves are declared in source.h.
#pragma once
