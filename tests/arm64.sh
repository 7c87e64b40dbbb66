#!/usr/bin/env bash
# The tests of kernels and models on Arm64 under emulation, with the processor's dot product and without: a quarter of an hour on two
# cores. Needs Debian, root and the .NET SDK; everything else is installed or downloaded, libraries of Arm64 into artifacts/arm64
# only. Takes filters in place of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/artifacts/arm64
root=$here/root

command -v qemu-aarch64 > /dev/null || { apt-get -qq update; apt-get -qq install --no-install-recommends qemu-user; }
if [ ! -e "$root/lib/ld-linux-aarch64.so.1" ]; then
    mkdir -p "$root" "$here"/apt/{lists/partial,cache/archives/partial,packages}
    : > "$here/apt/status"
    apt() { apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$here/apt" -o Dir::State::status="$here/apt/status" \
        -o Dir::Cache="$here/apt/cache" -o APT::Sandbox::User=root "$@"; }
    apt update
    (cd "$here/apt/packages" && apt download libc6 libgcc-s1 libstdc++6 zlib1g libssl3)
    for package in "$here"/apt/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
fi

dotnet publish tests/Cria.Tests -c Release -r linux-arm64 --self-contained -p:ArtifactsPath="$here/build" -o "$here/tests" -v q
[ $# -gt 0 ] || set -- --filter-namespace 'Cria.Tests.Kernels*' 'Cria.Tests.Models' --filter-not-trait Emulated=Slow
# The emulator has no room for the address space that the collector sets aside by default, and loses its way in code that is
# written through a second mapping or replaced while it runs.
export DOTNET_GCHeapHardLimit=0x80000000 DOTNET_EnableWriteXorExecute=0 DOTNET_TieredCompilation=0
for processor in neoverse-n1 cortex-a72; do
    echo "$processor:"
    qemu-aarch64 -cpu "$processor" -L "$root" "$here/tests/Cria.Tests" "$@"
done
