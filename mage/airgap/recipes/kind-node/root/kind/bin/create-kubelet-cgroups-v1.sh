# Creates the kubelet's cgroups in every mounted hierarchy of cgroup v1. The kubelet
# ends if one of them is missing. kind's entrypoint creates them before systemd mounts
# further hierarchies, such as hugetlb, net_cls and perf_event, which exist on a host
# once another container with systemd has used them.
#
# Usage: create-kubelet-cgroups-v1.sh [ROOT]; tests give another root folder.
set -u
root=${1:-}

while read -r _ target type _; do
	[ "$type" = cgroup ] || continue
	case $target in
	/sys/fs/cgroup/*/*) continue ;; # bind mounts of kind's entrypoint
	/sys/fs/cgroup/*) ;;
	*) continue ;;
	esac
	for name in kubelet kubelet.slice; do
		folder=$root$target/$name
		# After an error the kubelet starts and reports the missing folder itself.
		mkdir -p "$folder" || continue
		for limit in cpuset.cpus cpuset.mems; do
			# A cpuset without processors and memory accepts no process.
			if [ -f "$folder/$limit" ] && [ -z "$(cat "$folder/$limit")" ]; then
				cat "$root$target/$limit" >"$folder/$limit"
			fi
		done
	done
done <"$root/proc/self/mounts"
exit 0
