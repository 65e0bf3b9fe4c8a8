#!/usr/bin/env bash
# build_guest.sh DIRECTORY: makes vmlinuz and initrd.gz there: a machine whose kernel is Debian's for clouds, and whose
# only program is `init` beside this script. The kernel's package is downloaded and unpacked, never installed. Keeps
# what an earlier run made. Ends with 77 when the package cannot be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../../scripts/lib.sh"

mkdir -p "$1"
directory=$(cd "$1" && pwd)
if [[ $directory/initrd.gz -nt $here/init && $directory/initrd.gz -nt $here/build_guest.sh ]]; then exit 0; fi
cd "$directory"
rm -rf package unpacked guest
mkdir package

# download [APT OPTION...]: the kernel's package, to package/. The one whose name has no version is empty, and depends
# on the one whose name has.
download() {
  local kernel
  kernel=$(apt-cache "$@" depends linux-image-cloud-amd64 |
    awk '$1 == "Depends:" && $2 ~ /^linux-image-/ && !kernel {kernel = $2} END {print kernel}')
  [[ -n $kernel ]] && (cd package && timeout 60 apt-get "$@" download -qq "$kernel")
}

# The machine's index may be older than the archive, which then has that version no more. A new index is kept apart from
# the machine's own.
download_by_new_index() {
  local apart=(-o "Dir::State::Lists=$directory/index" -o "Dir::Cache=$directory/index")
  mkdir -p index/partial
  timeout 60 apt-get "${apart[@]}" update -qq && download "${apart[@]}"
}

# gather_modules NAME...: the modules and all that they need, numbered in the order in which they have to be loaded.
gather_modules() {
  local number=100 version module
  version=$(ls unpacked/modules)
  # Where the package has its modules depends on the release, and where modprobe looks for them does too.
  mkdir -p unpacked/root/{lib,usr}
  ln -s ../lib unpacked/root/usr/lib
  mv unpacked/modules unpacked/root/lib/modules
  depmod -b "$directory/unpacked/root" "$version"
  modprobe -d "$directory/unpacked/root" -S "$version" --show-depends --all "$@" |
    awk '$1 == "insmod" && !seen[$2]++ {print $2}' >unpacked/needed
  for module in $(<unpacked/needed); do
    number=$((number + 1))
    case $module in
      *.xz) xz -dc "$module" >"guest/modules/$number.ko" ;;
      *) cp "$module" "guest/modules/$number.ko" ;;
    esac
  done
}

# add_program NAME: with the libraries that it is linked with, at their own paths.
add_program() {
  local program file
  program=$(command -v "$1")
  cp "$program" "guest/bin/$1"
  for file in $(ldd "$program" | grep -o '/[^ ]*'); do
    mkdir -p "guest${file%/*}"
    cp -L "$file" "guest$file"
  done
}

if ! { download || download_by_new_index; } >download.log 2>&1; then
  say "SKIPPED: apt cannot download linux-image-cloud-amd64: $(grep -m 1 '^E:' download.log)"
  exit 77
fi
mkdir unpacked
dpkg-deb -x package/*.deb unpacked
mv "$(find unpacked -type d -path '*lib/modules')" unpacked/modules

mkdir -p guest/{bin,modules,proc,sys,dev,tmp}
gather_modules virtio_pci virtio_net virtio_rng wireguard
cp "$(command -v busybox)" guest/bin/busybox
add_program wg
cp "$here/init" guest/init
chmod +x guest/init

mv unpacked/boot/vmlinuz-* vmlinuz
(cd guest && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 >initrd.new
rm -rf package unpacked guest index
mv initrd.new initrd.gz  # at last: it is the proof that all is there
