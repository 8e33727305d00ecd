#!/usr/bin/env bash
# Runs a command of pare on N "hosts" with links of limited bandwidth, as root: network namespaces of this machine, each
# with one rank: network.sh N RATE PARE COMMAND..., for example
#     network.sh 8 1gbit build/release/bin/pare prune MODEL --dry-run --levels 10,50,90,95,99 --threads 1
# Prints the seconds, what each rank says it has sent, and what each link has carried (with MPI's own messages).
set -euo pipefail
n=$1 rate=$2 pare=$(realpath "$3")
shift 3
scratch=$(mktemp -d)
remove_hosts() {
  for ((i = 0; i < n; ++i)); do ip netns del "pare$i" 2>/dev/null || true; done
  ip link del pare-bridge 2>/dev/null || true
}
trap 'remove_hosts; rm -rf "$scratch"' EXIT
remove_hosts  # of a run that was killed
ip link add pare-bridge type bridge
ip link set pare-bridge up
for ((i = 0; i < n; ++i)); do
  ip netns add "pare$i"
  ip link add "pare-veth$i" type veth peer name eth0 netns "pare$i"
  ip link set "pare-veth$i" master pare-bridge up
  ip netns exec "pare$i" ip link set lo up
  ip netns exec "pare$i" ip addr add "10.77.0.$((i + 1))/24" dev eth0
  ip netns exec "pare$i" ip link set eth0 up
  ip netns exec "pare$i" tc qdisc add dev eth0 root tbf rate "$rate" burst 64kb latency 500ms
  echo "10.77.0.$((i + 1)) slots=1" >>"$scratch/hosts"
done
# What mpirun uses in place of ssh. Each host has a name of its own, by which Open MPI tells hosts apart.
cat >"$scratch/agent" <<'TEXT'
#!/usr/bin/env bash
host=$1
shift
exec ip netns exec "pare$((${host##*.} - 1))" unshare --uts bash -c "hostname host-${host##*.}; $*"
TEXT
chmod +x "$scratch/agent"
start=$(date +%s%N)
ip netns exec pare0 unshare --uts bash -c 'hostname host-1; exec "$@"' - \
  env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PARE_TRAFFIC=1 \
  mpirun -n "$n" --hostfile "$scratch/hosts" --mca plm_rsh_agent "$scratch/agent" --mca btl self,tcp \
  --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 --bind-to none -x PARE_TRAFFIC "$pare" "$@" \
  >/dev/null 2>"$scratch/log" || { cat "$scratch/log"; exit 1; }
end=$(date +%s%N)
grep '^pare: rank' "$scratch/log" | sort -V
for ((i = 0; i < n; ++i)); do
  echo "link of host $i: sent $(ip netns exec "pare$i" cat /sys/class/net/eth0/statistics/tx_bytes) bytes"
done
awk -v ns=$((end - start)) -v n="$n" 'BEGIN { printf "%d hosts: %.2f s\n", n, ns / 1e9 }'
