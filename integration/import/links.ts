/** Links that drawn entries refer to. */
import { FAR_ENDS } from "../agreement/entries.ts";

export const LINKS = `
ip link set lo up
ip link add name d0 type veth peer name d1
ip link add name br0 type bridge
ip link add name vx0 type vxlan id 39 dstport 4789
ip link set d1 master br0
ip link set vx0 master br0
for link in br0 d1 vx0 d0; do ip link set $link addrgenmode none; ip link set $link up; done
ip address add 192.0.2.1/24 dev d0
ip address add 2001:db8::1/64 dev d0 nodad
${FAR_ENDS}`;
