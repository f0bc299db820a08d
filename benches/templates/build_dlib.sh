#!/bin/sh
# Compile dlib's descriptor network from its source, once per variant: build_dlib.sh DLIB_SOURCE OUT [FOLDER_OF_OPENBLAS]
# DLIB_SOURCE is the unpacked sdist (pip download --no-binary dlib --no-deps dlib==20.0.1); it lands in OUT/descriptor_VARIANT.so.
set -eu
source=$1 out=$2 blas=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
common="-std=c++14 -O3 -DNDEBUG -fPIC -shared -DDLIB_NO_GUI_SUPPORT -I$source"
mkdir -p "$out"
build() { # name, flags
    name=$1
    shift
    # shellcheck disable=SC2086
    g++ $common "$here/descriptor.cpp" -o "$out/descriptor_$name.so" "$@" -lpthread && echo "built $name"
}
build avx -mavx
build native -march=native
if [ -n "$blas" ]; then
    build native_blas -march=native -DDLIB_USE_BLAS -I"$blas" -L"$blas" -Wl,-rpath,"$blas" -l:libopenblas.so.0
fi
build avx2 -mavx2 -mfma
