// Go's github.com/vishvananda/netlink. usage: vishvananda WORKLOAD COUNT
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

var count int

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
func each(make func(i int) error) int {
	for i := 0; i < count; i++ {
		must(make(i))
	}
	return count
}
func bridge(i int) error {
	return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("br%d", i)}})
}
func vxlan(i int) error {
	attrs := netlink.LinkAttrs{Name: fmt.Sprintf("vx%d", i), MasterIndex: 1000, Flags: net.FlagUp}
	return netlink.LinkAdd(&netlink.Vxlan{LinkAttrs: attrs, VxlanId: i + 1, Group: net.IPv4(10, 0, 0, 2), Port: 4789})
}
func route(i int) error {
	dst := &net.IPNet{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).To4(), Mask: net.CIDRMask(32, 32)}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: 1000, Dst: dst, Protocol: 4, Scope: netlink.SCOPE_LINK})
}
func entry(i int) error {
	return netlink.NeighAppend(&netlink.Neigh{LinkIndex: 1001, Family: syscall.AF_BRIDGE, State: netlink.NUD_PERMANENT,
		Flags: netlink.NTF_SELF, IP: net.IPv4(10, 1, byte(i>>8), byte(i)),
		HardwareAddr: net.HardwareAddr{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}})
}
func events() int {
	updates, done := make(chan netlink.NeighUpdate, 65536), make(chan struct{})
	must(netlink.NeighSubscribeWithOptions(updates, done, netlink.NeighSubscribeOptions{ErrorCallback: func(error) {}}))
	writer := exec.Command(os.Getenv("BENCH_FLOOR"), "neighbors", strconv.Itoa(count))
	must(writer.Start())
	got := 0
	for got < count {
		select {
		case _, open := <-updates:
			if !open {
				return got
			}
			got++
		case <-time.After(time.Second):
			return got
		}
	}
	return got
}
func write(path, value string) {
	must(os.WriteFile("/proc/sys/net/"+path, []byte(value), 0))
}

// The founding story's host; rules by nft, since the library has none.
func host() int {
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0", MTU: 1400, Flags: net.FlagUp}}
	must(netlink.LinkAdd(bridge))
	attrs := netlink.LinkAttrs{Name: "vx0", MasterIndex: bridge.Attrs().Index, MTU: 1400, Flags: net.FlagUp}
	must(netlink.LinkAdd(&netlink.Vxlan{LinkAttrs: attrs, VxlanId: 1, Group: net.IPv4(10, 0, 0, 2), Port: 4789}))
	write("ipv4/ip_forward", "1")
	write("ipv4/conf/all/rp_filter", "2")
	write("ipv4/conf/br0/rp_filter", "2")
	write("ipv4/conf/br0/proxy_arp", "1")
	write("ipv6/conf/br0/disable_ipv6", "1")
	must(exec.Command("nft", "-f", os.Getenv("BENCH_RULES")).Run())
	return 1
}
func cpu() int64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func roundTrips() int {
	return each(func(int) error { _, err := netlink.LinkByIndex(1); return err })
}

func main() {
	runtime.LockOSThread()
	workload := os.Args[1]
	count, _ = strconv.Atoi(os.Args[2])
	if workload == "round-trip" {
		roundTrips()
	}
	begin, before, objects := time.Now(), cpu(), 0
	switch workload {
	case "bridges-each":
		objects = each(bridge)
	case "vxlans":
		objects = each(vxlan)
	case "routes":
		objects = each(route)
	case "entries":
		objects = each(entry)
	case "links-dump":
		links, err := netlink.LinkList()
		must(err)
		objects = len(links)
	case "routes-dump":
		routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
		must(err)
		objects = len(routes)
	case "entries-dump":
		entries, err := netlink.NeighList(1001, syscall.AF_BRIDGE)
		must(err)
		objects = len(entries)
	case "round-trip":
		objects = roundTrips()
	case "host":
		objects = host()
	case "events":
		objects = events()
	default:
		os.Exit(3)
	}
	ns := time.Since(begin).Nanoseconds()
	if workload == "events" {
		ns = cpu() - before
	}
	fmt.Printf("{\"ns\": %d, \"objects\": %d}\n", ns, objects)
}
