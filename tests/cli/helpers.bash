# Functions for the commands of .test files.

# The bytes of numbers given in hexadecimal, as they lie in the file: bytes 0000803f is 1.0F.
bytes() {
  local hex
  for hex in "$@"; do printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")"; done
}

# Eight little-endian bytes of a number.
u64() {
  local n=$1 i
  for ((i = 0; i < 8; ++i)); do
    printf '%b' "\\x$(printf '%02x' $((n >> (8 * i) & 255)))"
  done
}

# safetensors FILE HEADER [HEX...]: length, header, data.
safetensors() {
  local file=$1 header=$2
  shift 2
  mkdir -p "$(dirname "$file")"
  { u64 ${#header}; printf '%s' "$header"; bytes "$@"; } >"$file"
}

# A model of two matrices and a bias, of no known architecture: h.0.w [2, 4] holds
# 1, -0.5, 0.25, -0.125, 0.0625, -0.03125, 0, 2; h.1.w [2, 2] holds 0.05, 0.2, -0.2, 3; h.1.z.bias [2] is 0.5, -0.01.
tiny() {
  safetensors "$1/model.safetensors" '{"__metadata__":{"format":"pt"},"h.0.w.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},"h.1.w.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[32,48]},"h.1.z.bias":{"dtype":"F32","shape":[2],"data_offsets":[48,56]}}' \
    0000803f 000000bf 0000803e 000000be 0000803d 000000bd 00000000 00000040 \
    cdcc4c3d cdcc4c3e cdcc4cbe 00004040 0000003f 0ad723bc
}

# zeros DIR BYTES: a checkpoint of one F32 matrix of zeros that takes no room on disk.
zeros() {
  local rows=$(($2 / 4096))
  safetensors "$1/model.safetensors" "{\"w.weight\":{\"dtype\":\"F32\",\"shape\":[$rows,1024],\"data_offsets\":[0,$((rows * 4096))]}}"
  truncate -s "+$((rows * 4096))" "$1/model.safetensors"
}
