package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a process and its descendants have used.
type usage struct {
	cpuNs, rssKb, threads int64
}

// parents reads who was started by whom.
func parents() map[int]int {
	found := map[int]int{}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	check(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		found[pid], _ = strconv.Atoi(fields[1])
	}
	return found
}

func family(pid int) []int {
	all := parents()
	members := []int{pid}
	for i := 0; i < len(members); i++ {
		for child, parent := range all {
			if parent == members[i] {
				members = append(members, child)
			}
		}
	}
	return members
}

// cpuClock: user and system time of all threads of a process, those that have ended included.
func cpuClock(pid int) int64 {
	var t unix.Timespec
	const scheduled = 2
	if unix.ClockGettime(int32(^pid<<3|scheduled), &t) != nil {
		return 0
	}
	return t.Nano()
}

func statusValue(pid int, name string) int64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			value, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return value
		}
	}
	return 0
}

func used(pid int) usage {
	var sum usage
	for _, member := range family(pid) {
		sum.cpuNs += cpuClock(member)
		sum.rssKb += statusValue(member, "VmRSS")
		sum.threads += statusValue(member, "Threads")
	}
	return sum
}

func end(pid int) {
	for _, member := range family(pid) {
		_ = syscall.Kill(member, syscall.SIGKILL)
	}
}
