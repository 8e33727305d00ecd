// The opcodes of pickle protocols 2 to 5 that torch.save writes (CPython's Lib/pickle.py).
#pragma once

namespace pare::checkpoint::opcode {

inline constexpr unsigned char kMark = '(', kStop = '.', kPop = '0', kPopMark = '1', kProto = 0x80, kFrame = 0x95;
inline constexpr unsigned char kNone = 'N', kNewTrue = 0x88, kNewFalse = 0x89, kBinInt = 'J', kBinInt1 = 'K',
                               kBinInt2 = 'M', kLong1 = 0x8a, kLong4 = 0x8b, kBinFloat = 'G';
inline constexpr unsigned char kBinUnicode = 'X', kShortBinUnicode = 0x8c, kBinUnicode8 = 0x8d, kBinString = 'T',
                               kShortBinString = 'U', kBinBytes = 'B', kShortBinBytes = 'C', kBinBytes8 = 0x8e,
                               kByteArray8 = 0x96;
inline constexpr unsigned char kEmptyTuple = ')', kTuple = 't', kTuple1 = 0x85, kTuple2 = 0x86, kTuple3 = 0x87,
                               kEmptyList = ']', kList = 'l', kAppend = 'a', kAppends = 'e', kEmptyDict = '}',
                               kDict = 'd', kSetItem = 's', kSetItems = 'u', kEmptySet = 0x8f, kAddItems = 0x90,
                               kFrozenSet = 0x91;
inline constexpr unsigned char kBinPut = 'q', kLongBinPut = 'r', kMemoize = 0x94, kBinGet = 'h', kLongBinGet = 'j';
inline constexpr unsigned char kGlobal = 'c', kStackGlobal = 0x93, kReduce = 'R', kBuild = 'b', kBinPersId = 'Q',
                               kNewObj = 0x81, kNewObjEx = 0x92, kDup = '2';

}  // namespace pare::checkpoint::opcode
