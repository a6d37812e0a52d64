#!/bin/sh
# The founding story's host as people did it before: a shell script of ip, sysctl and nft.
set -eu
ip link add br0 type bridge
ip link set br0 up
ip link add vx0 type vxlan id 1 remote 10.0.0.2 dstport 4789
ip link set vx0 master br0
ip link set vx0 up
ip link set vx0 mtu 1400
ip link set br0 mtu 1400
sysctl -qw net.ipv4.ip_forward=1
sysctl -qw net.ipv4.conf.all.rp_filter=2
sysctl -qw net.ipv4.conf.br0.rp_filter=2
sysctl -qw net.ipv4.conf.br0.proxy_arp=1
sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
nft add table ip pf
nft add chain ip pf post '{ type nat hook postrouting priority 100; }'
nft add chain ip pf fw '{ type filter hook forward priority 0; }'
nft add rule ip pf post oifname != br0 ip saddr 10.9.0.0/24 masquerade
nft add rule ip pf fw iifname br0 accept
nft add rule ip pf fw oifname br0 accept
echo '{"ns": 0, "objects": 1}'
