# shellcheck shell=bash
# A machine with a real Linux kernel, emulated by qemu. Sourced after begin.sh.
#
# Not every machine's own kernel has WireGuard, and one that could run a stock kernel on /dev/kvm is rarer still. Under
# emulation it boots in a few seconds everywhere.

# guest_build: ends the test with 77 when it cannot be.
guest_build() {
  "$support/kernel_peer/build_guest.sh" "$build/kernel_peer" || {
    local status=$?
    ((status == 77)) || die "the guest was not built"
    exit 77
  }
}

# guest_start NAMESPACE UNDERLAY_TAP CLUSTER_TAP: returns when it takes commands; qemu's pid is in $guest_pid.
guest_start() {
  local port name tap number options cards=()
  for port in "underlay $2 01" "cluster $3 02"; do
    read -r name tap number <<<"$port"
    options=
    # The underlay's is a plain one: a frame that leaves it is complete, its checksum included.
    if [[ $name == underlay ]]; then options=,csum=off; fi
    cards+=(-netdev "tap,id=$name,ifname=$tap,script=no,downscript=no"
      -device "virtio-net-pci,netdev=$name,mac=52:54:00:00:00:$number,romfile=$options")
  done
  mkdir -p "$work/guest"
  mkfifo "$work/guest.in" "$work/guest.out"
  start_in "$1" "$work/guest/log" qemu-system-x86_64 -machine q35 -accel tcg -cpu qemu64 -m 256 -nodefaults \
    -no-user-config -no-reboot -display none \
    -kernel "$build/kernel_peer/vmlinuz" -initrd "$build/kernel_peer/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1" -serial stdio -chardev "pipe,id=commands,path=$work/guest" \
    -serial chardev:commands -device virtio-rng-pci "${cards[@]}"
  guest_pid=$started
  # Opened both ways: so neither waits for qemu to open the other end.
  exec {guest_in}<>"$work/guest.in" {guest_out}<>"$work/guest.out"
  guest_says 60 ready || die "the guest did not start"
}

# guest_says SECONDS WORD: prints what it says until a line begins with that word; the line's rest is in $guest_rest.
guest_says() {
  local line
  while IFS= read -r -t "$1" line <&"$guest_out"; do
    [[ $line != "$2"* ]] || { guest_rest=${line#"$2"}; return 0; }
    say "$line"
  done
  say "the guest is silent"
  return 1
}

# in_guest COMMAND...: a line for its shell, with that line's output and exit code.
in_guest() {
  printf '%s\n' "$*" >&"$guest_in"
  guest_says 10 "done " && return "$guest_rest"
}
