package main

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// What the worker and the gateway had used at a moment.
type mark struct {
	at      time.Time
	jobs    int
	worker  usage
	gateway int64
}

// The book knows every job handed out, when, and whether it came back. Any goroutine.
type book struct {
	mu           sync.Mutex
	handed       []time.Time // by key; zero when completed
	started      time.Time   // the first job was handed out
	done, strays int         // completed; completed but not in hand
	pid          int
	least        int
	most         time.Duration
	from, to     mark
	times        []time.Duration // between the marks
	over         chan struct{}
}

func (b *book) begin(pid, least int, most time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pid, b.least, b.most, b.over = pid, least, most, make(chan struct{})
	b.times = make([]time.Duration, 0, 1<<18)
}

// handOut gives n new keys.
func (b *book) handOut(n int) []int64 {
	now := time.Now()
	keys := make([]int64, n)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started.IsZero() {
		b.started = now
	}
	for i := range keys {
		keys[i] = firstKey + int64(len(b.handed))
		b.handed = append(b.handed, now)
	}
	return keys
}

// complete is false when no such job is in hand.
func (b *book) complete(key int64) bool {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	i := key - firstKey
	if i < 0 || i >= int64(len(b.handed)) || b.handed[i].IsZero() {
		b.strays++
		return false
	}
	took := now.Sub(b.handed[i])
	b.handed[i] = time.Time{}
	b.done++
	b.count(now, took)
	return true
}

func (b *book) count(now time.Time, took time.Duration) {
	switch {
	case b.from.jobs == 0:
		if b.reached(now.Sub(b.started), b.done, 2*b.least) {
			b.from = b.mark(now)
		}
	case b.to.jobs == 0:
		b.times = append(b.times, took)
		if b.reached(now.Sub(b.from.at), b.done-b.from.jobs, 3*b.least) {
			b.to = b.mark(now)
			close(b.over)
		}
	}
}

func (b *book) reached(passed time.Duration, jobs, wanted int) bool {
	return passed >= b.most || (passed >= b.most/3 && jobs >= wanted)
}

func (b *book) mark(now time.Time) mark {
	var own syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	return mark{at: now, jobs: b.done, worker: used(b.pid), gateway: own.Utime.Nano() + own.Stime.Nano()}
}

func (b *book) report() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.strays > 0 {
		fail(fmt.Sprint(b.strays, " jobs were completed that were not in hand"))
	}
	jobs := int64(b.to.jobs - b.from.jobs)
	slices.Sort(b.times)
	return fmt.Sprint((b.to.worker.cpuNs-b.from.worker.cpuNs)/jobs, " ",
		jobs*int64(time.Second)/int64(b.to.at.Sub(b.from.at)), " ", b.to.worker.rssKb, " ", b.to.worker.threads, " ",
		b.times[len(b.times)/2].Microseconds(), " ", b.times[len(b.times)*99/100].Microseconds())
}

func (b *book) gatewayEach() int64 {
	return (b.to.gateway - b.from.gateway) / int64(b.to.jobs-b.from.jobs)
}
