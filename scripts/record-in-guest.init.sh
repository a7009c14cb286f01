#!/bin/busybox sh
# The first process of the guest of record-in-guest.sh: makes its recordings, writes them as a tar
# onto the disk, and powers off.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mkdir -p /proc /sys /dev /tmp /rec
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
option() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
duration=$(option duration)
cd /rec

slabreplay() { node /app/dist/cli/main.js "$@"; }

# say NAME ARGUMENTS…: `slabreplay record ARGUMENTS`; what it prints, its exit code, and what it left
# of the tracer go to NAME.log.
say() {
  name=$1
  shift
  {
    echo "$ slabreplay record $*"
    slabreplay record "$@"
    echo "exit $?"
    echo "instances: $(ls /sys/kernel/tracing/instances 2> /dev/null)"
    echo "saved_cmdlines_size: $(cat /sys/kernel/tracing/saved_cmdlines_size 2> /dev/null)"
  } > "$name.log" 2>&1
  echo "== $(cut -d. -f1 /proc/uptime) s: $name"
  cat "$name.log"
}

# Something to record: files made and removed, and processes.
cat > /bin/work << 'END'
#!/bin/sh
i=0
while [ $i -lt "${1:-1000000}" ]; do
  mkdir -p /tmp/w/$i && echo $i > /tmp/w/$i/f && cat /tmp/w/$i/f > /dev/null && rm -r /tmp/w/$i
  i=$((i + 1))
done
END
chmod +x /bin/work

if [ "$(option guest)" = boot ]; then
  mount -t tracefs tracefs /sys/kernel/tracing
  work 30
  say collect --collect -o boot
else
  say no-tracefs -o none --duration 1s
  mount -t tracefs tracefs /sys/kernel/tracing
  echo "saved_cmdlines_size: $(cat /sys/kernel/tracing/saved_cmdlines_size)"
  slabreplay record --boot --buffer 24M > boot.line
  cat boot.line
  say plain -o plain --duration "$duration" -- work
  say command -o command -- work 20
  work & busy=$!
  say machine -o machine --duration "$duration" --page-events
  say pid -o pid --duration "$duration" --pid $busy
  say stacks -o stacks --duration 1s --stacks
  say small-buffer -o small-buffer --duration 2s --buffer 8K
  say sigint -o sigint & recorder=$!
  until [ -s sigint/trace_pipe_raw.cpu0 ]; do sleep 1; done
  kill -INT "$(pidof slabreplay)"
  wait $recorder
  kill $busy
  mkdir /tmp/full && mount -t tmpfs -o size=12m full /tmp/full
  say disk-full -o /tmp/full/rec -- work
  cp -r /tmp/full/rec disk-full
  say no-event -o none --events kmem:nothing --duration 1s
  say no-command -o none --force -- nothing-like-that
fi
tar -cf /dev/vda .
sync
poweroff -f
