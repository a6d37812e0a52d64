"""pyroute2. usage: pyroute.py WORKLOAD COUNT"""
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time

from pyroute2 import IPBatch, IPRoute
from pyroute2.netlink.rtnl import RTMGRP_NEIGH

workload, count = sys.argv[1], int(sys.argv[2])
ipr = IPRoute()
BATCH = 100


def batched(make):
    """Its way of sending many requests at once: built by IPBatch, sent as one, and each answer awaited."""
    builder = IPBatch()
    for begin in range(0, count, BATCH):
        for i in range(begin, min(begin + BATCH, count)):
            make(builder, i)
        ipr.sendto(builder.batch, (0, 0))
        builder.reset()
        for _ in range(begin, min(begin + BATCH, count)):
            ipr.get()
    return count


def each(make):
    for i in range(count):
        make(ipr, i)
    return count


def bridge(to, i):
    to.link("add", ifname=f"br{i}", kind="bridge")


def vxlan(to, i):
    to.link("add", ifname=f"vx{i}", kind="vxlan", vxlan_id=i + 1, vxlan_group="10.0.0.2", vxlan_port=4789,
            master=1000, state="up")


def route(to, i):
    to.route("add", dst=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}/32", oif=1000, scope=253)


def entry(to, i):
    to.fdb("append", lladdr=f"02:00:00:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x}", ifindex=1001,
           dst=f"10.1.{i >> 8 & 255}.{i & 255}")


def events():
    listener = IPRoute()
    listener.bind(groups=RTMGRP_NEIGH)
    writer = subprocess.Popen([os.environ["BENCH_FLOOR"], "neighbors", str(count)], stdout=subprocess.DEVNULL)
    got, poll = 0, select.poll()
    poll.register(listener.fileno(), select.POLLIN)
    while got < count and poll.poll(1000):
        try:
            got += sum(message["event"] == "RTM_NEWNEIGH" for message in listener.get())
        except OSError:
            pass
    writer.wait()
    return got


def write(path, value):
    with open(f"/proc/sys/net/{path}", "w") as file:
        file.write(value)


def host():
    """The founding story's host; rules by nft, which most programs use beside it."""
    ipr.link("add", index=1000, ifname="br0", kind="bridge", mtu=1400, state="up")
    ipr.link("add", ifname="vx0", kind="vxlan", vxlan_id=1, vxlan_group="10.0.0.2", vxlan_port=4789, master=1000,
             mtu=1400, state="up")
    write("ipv4/ip_forward", "1")
    write("ipv4/conf/all/rp_filter", "2")
    write("ipv4/conf/br0/rp_filter", "2")
    write("ipv4/conf/br0/proxy_arp", "1")
    write("ipv6/conf/br0/disable_ipv6", "1")
    subprocess.run(["nft", "-f", os.environ["BENCH_RULES"]], check=True)
    return 1


workloads = {
    "host": host,
    "bridges-each": lambda: each(bridge),
    "bridges": lambda: batched(bridge),
    "vxlans": lambda: batched(vxlan),
    "routes": lambda: batched(route),
    "entries": lambda: batched(entry),
    "links-dump": lambda: len(list(ipr.get_links())),
    "routes-dump": lambda: len(list(ipr.get_routes(family=socket.AF_INET))),
    "entries-dump": lambda: len(list(ipr.fdb("dump", ifindex=1001))),
    "round-trip": lambda: each(lambda to, i: to.get_links(1)),
    "events": events,
}
if workload not in workloads:
    sys.exit(3)
if workload == "round-trip":
    workloads[workload]()
begin = time.monotonic_ns()
usage = resource.getrusage(resource.RUSAGE_SELF)
objects = workloads[workload]()
wall = time.monotonic_ns() - begin
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = int((after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime) * 1e9)
print(json.dumps({"ns": cpu if workload == "events" else wall, "objects": objects}))
