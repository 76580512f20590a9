// Go's share of the workloads, one binary: `go_bench --workload NAME --n N`. One scheduler thread
// (GOMAXPROCS=1), as everybody else has; the memory limit and the collector are left as they are.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sort"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

func clock(which uintptr) int64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, which, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

// CPU time of the process: being pre-empted by a neighbour must not count.
func cpuNow() int64 { return clock(2) }

func resident() int64 {
	var size, pages int64
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0
	}
	defer f.Close()
	fmt.Fscan(f, &size, &pages)
	return pages * int64(os.Getpagesize())
}

// The same sequence as bench_random in bench.h.
func random(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func report(workload string, value float64, unit string, n int64) {
	fmt.Printf("{\"workload\": %q, \"peer\": \"go\", \"value\": %.6g, \"unit\": %q, \"n\": %d}\n",
		workload, value, unit, n)
}

func yields(n int64) int64 {
	var both sync.WaitGroup
	both.Add(2)
	for i := 0; i < 2; i++ {
		go func() {
			for j := int64(0); j < n/2; j++ {
				runtime.Gosched()
			}
			both.Done()
		}()
	}
	begin := cpuNow()
	both.Wait()
	return cpuNow() - begin
}

func batch(size int64, yield bool) {
	var all sync.WaitGroup
	all.Add(int(size))
	for i := int64(0); i < size; i++ {
		go func() {
			if yield {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
}

func batches(n, size int64, yield bool) int64 {
	batch(size, yield)
	begin := cpuNow()
	for done := int64(0); done < n; done += size {
		batch(size, yield)
	}
	return cpuNow() - begin
}

// A sync.Mutex that 100 goroutines lock, count, yield and unlock.
func mutex(n int64) int64 {
	const tasks = 100
	var lock sync.Mutex
	counted := int64(0)
	var all sync.WaitGroup
	all.Add(tasks)
	begin := cpuNow()
	for i := 0; i < tasks; i++ {
		go func() {
			for j := int64(0); j < n/tasks; j++ {
				lock.Lock()
				counted++
				runtime.Gosched()
				lock.Unlock()
			}
			all.Done()
		}()
	}
	all.Wait()
	return cpuNow() - begin
}

// A goroutine that is locked to a thread of its own, asked and heard through channels.
func threadCall(n int64) int64 {
	ask := make(chan struct{})
	answer := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		for range ask {
			answer <- struct{}{}
		}
	}()
	begin := clock(1)
	for i := int64(0); i < n; i++ {
		ask <- struct{}{}
		<-answer
	}
	return clock(1) - begin
}

func roundTrips(n int64) int64 {
	there, back := make(chan int64), make(chan int64)
	done := make(chan int64)
	go func() {
		sum := int64(0)
		for i := int64(0); i < n; i++ {
			there <- i
			sum += <-back
		}
		done <- sum
	}()
	go func() {
		for i := int64(0); i < n; i++ {
			back <- <-there
		}
	}()
	begin := cpuNow()
	<-done
	return cpuNow() - begin
}

func oneWay(n int64) int64 {
	through := make(chan int64, 128)
	done := make(chan int64)
	go func() {
		for i := int64(0); i < n; i++ {
			through <- i
		}
	}()
	go func() {
		sum := int64(0)
		for i := int64(0); i < n; i++ {
			sum += <-through
		}
		done <- sum
	}()
	begin := cpuNow()
	<-done
	return cpuNow() - begin
}

func sleepers(n int64) int64 {
	seed := uint64(1)
	var all sync.WaitGroup
	all.Add(int(n))
	begin := cpuNow()
	for i := int64(0); i < n; i++ {
		go func() {
			time.Sleep(time.Duration(random(&seed) % 1000000000))
			all.Done()
		}()
	}
	all.Wait()
	return cpuNow() - begin
}

func lateness(n int64) float64 {
	late := make([]int64, 0, n)
	for i := int64(0); i < n; i++ {
		deadline := time.Now().Add(time.Millisecond)
		time.Sleep(time.Millisecond)
		late = append(late, time.Since(deadline).Nanoseconds())
	}
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	return float64(late[n/2])
}

// Each waits for a timer of its own and for one context that all share.
func cancelAll(n int64) int64 {
	ctx, cancel := context.WithCancel(context.Background())
	seed := uint64(1)
	asleep := int64(0)
	var all sync.WaitGroup
	all.Add(int(n))
	for i := int64(0); i < n; i++ {
		go func() {
			t := time.NewTimer(time.Hour + time.Duration(random(&seed)%1000000000))
			asleep++
			select {
			case <-t.C:
			case <-ctx.Done():
			}
			t.Stop()
			all.Done()
		}()
	}
	for asleep < n {
		runtime.Gosched()
	}
	begin := cpuNow()
	cancel()
	all.Wait()
	return cpuNow() - begin
}

//go:noinline
func call(calls *int64) { *calls++ }

// A context with a deadline, made and cancelled around a call that does not wait.
func timeout(n int64) int64 {
	calls := int64(0)
	begin := cpuNow()
	for calls < n {
		_, cancel := context.WithTimeout(context.Background(), time.Second)
		call(&calls)
		cancel()
	}
	return cpuNow() - begin
}

func memory(workload string, n int64) {
	never := make(chan struct{})
	parked := int64(0)
	before := resident()
	begin := cpuNow()
	for i := int64(0); i < n; i++ {
		go func() {
			parked++
			<-never
		}()
	}
	for parked < n {
		runtime.Gosched()
	}
	spent := cpuNow() - begin
	if workload != "cold_task" {
		report(workload, float64(resident()-before)/float64(n), "bytes", n)
	}
	report("cold_task", float64(spent)/float64(n), "ns", n)
}

func serve(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 64*1024)
	for {
		got, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err = conn.Write(buffer[:got]); err != nil {
			return
		}
	}
}

func echo() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Printf("{\"peer\": \"go\", \"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go serve(conn)
	}
}

func udp() {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		os.Exit(1)
	}
	fmt.Printf("{\"peer\": \"go\", \"port\": %d}\n", socket.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, 64*1024)
	for {
		// The forms with AddrPort allocate nothing.
		got, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		socket.WriteToUDPAddrPort(buffer[:got], from)
	}
}

func pin(cpu int) {
	if cpu < 0 {
		return
	}
	var mask [16]uint64
	mask[cpu/64] = 1 << (cpu % 64)
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		var id int
		fmt.Sscan(t.Name(), &id)
		syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(id), unsafe.Sizeof(mask),
			uintptr(unsafe.Pointer(&mask)))
	}
}

func main() {
	workload := flag.String("workload", "echo", "")
	n := flag.Int64("n", 0, "")
	cpu := flag.Int("cpu", -1, "")
	flag.String("peer", "go", "")
	flag.Parse()
	pin(*cpu)
	runtime.GOMAXPROCS(1)
	count := func(usual int64) int64 {
		if *n > 0 {
			return *n
		}
		return usual
	}
	each := func(spent, n int64, unit string, per float64) {
		report(*workload, float64(spent)/float64(n)/per, unit, n)
	}
	switch *workload {
	case "switch":
		each(yields(count(2000000)), count(2000000), "ns", 1)
	case "spawn":
		each(batches(count(500000), 1, false), count(500000), "ns", 1)
	case "batch_spawn":
		each(batches(count(500000), 10000, true), count(500000), "ns", 1)
	case "mutex":
		each(mutex(count(1000000)), count(1000000), "ns", 1)
	case "timeout":
		each(timeout(count(1000000)), count(1000000), "ns", 1)
	case "thread_call":
		each(threadCall(count(100000)), count(100000), "us", 1000)
	case "channel":
		each(roundTrips(count(1000000)), count(1000000), "ns", 1)
	case "channel_128":
		each(oneWay(count(5000000)), count(5000000), "ns", 1)
	case "sleepers":
		each(sleepers(count(100000)), count(100000), "us CPU", 1000)
	case "lateness":
		report(*workload, lateness(count(1000))/1000, "us", count(1000))
	case "cancel_all":
		each(cancelAll(count(100000)), count(100000), "ns", 1)
	case "memory_10k", "memory_1m", "cold_task":
		memory(*workload, count(10000))
	case "udp":
		udp()
	default:
		echo()
	}
}
