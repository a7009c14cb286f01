#!/bin/sh
# Runs `slabreplay record` on a real kernel: boots Debian's in QEMU (software emulation), records in
# it every way that the command knows, and unpacks the recording folders into OUT.
#
#   apt-get install -y qemu-system-x86 linux-image-amd64 busybox-static cpio
#   npm run build && scripts/record-in-guest.sh OUT && node dist/cli/main.js analyze OUT/plain
#
# May be set: KERNEL=/boot/vmlinuz-… (or one in an unpacked package: its config and modules are looked
# for beside it; run depmod -b there), APP=. (the folder that holds dist and node_modules), DURATION=5s.
# Two boots, about four minutes on two cores. The logs of the guests are OUT/console-*.txt, what the
# recordings said OUT/*.log.
set -eu
out=${1:?usage: record-in-guest.sh OUT}
here=$(cd "$(dirname "$0")/.." && pwd)
app=$(cd "${APP:-$here}" && pwd)
kernel=${KERNEL:-$(ls /boot/vmlinuz-*-amd64 | sort -V | tail -n 1)}
release=${kernel##*/vmlinuz-}
system=${kernel%/boot/*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

root=$work/root
mkdir -p "$root/bin" "$root/app/node_modules" "$root/boot" "$root/modules"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$system/boot/config-$release" "$root/boot/"
node=$(readlink -f "$(command -v node)")
cp "$node" "$root/bin/node"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp -RL "$app/dist" "$app/package.json" "$app/schema.sql" "$root/app/"
# What the command needs at run time; better-sqlite3 is for databases, which the guest makes none of.
cp -RL "$app/node_modules/commander" "$root/app/node_modules/"
for module in virtio_pci virtio_blk; do
  modprobe -d "$system/" -S "$release" --show-depends "$module"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r path; do
  module=$(basename "$path" .xz)
  case $path in
    *.xz) xz -dc "$path" > "$root/modules/$module" ;;
    *) cp "$path" "$root/modules/$module" ;;
  esac
  echo "$module" >> "$root/modules/order"
done
cp "$here/scripts/record-in-guest.init.sh" "$root/init"
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) > "$work/initrd"

# boot NAME ARGUMENTS…: runs the guest with more on its command line; its tar goes to OUT. One thread
# for both CPUs: with two, QEMU may run an instruction that the kernel is just patching (as it does to
# switch events on) half old, half new, and the kernel stops at an int3.
boot() {
  name=$1
  shift
  truncate -s 512M "$work/disk"
  timeout 900 qemu-system-x86_64 -accel tcg,thread=single -cpu max -m 1536M -smp 2,maxcpus=4 \
    -kernel "$kernel" -initrd "$work/initrd" -no-reboot -nographic -nodefaults -serial stdio \
    -drive "file=$work/disk,if=virtio,format=raw" \
    -append "console=ttyS0 quiet oops=panic panic=-1 guest=$name duration=${DURATION:-5s} $*" \
    < /dev/null | tee "$out/console-$name.txt"
  tar -C "$out" -xf "$work/disk"
  rm "$work/disk"
}

boot tasks
boot boot "$(cat "$out/boot.line")"
