//! Rust's rtnetlink. usage: rtnetlink WORKLOAD COUNT
use futures::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use netlink_packet_route::constants::{AF_BRIDGE, IFF_UP, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, RTNLGRP_NEIGH};
use netlink_packet_route::link::nlas::{self as link, Info, InfoData, InfoKind, InfoVxlan};
use netlink_packet_route::{neighbour::Nla, NeighbourMessage, NetlinkMessage, NetlinkPayload, RtnlMessage};
use rtnetlink::{new_connection, sys::AsyncSocket, sys::SocketAddr, Handle, IpVersion};
use std::{future::Future, net::Ipv4Addr, process::Command, time::Duration, time::Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
/// How many requests may be under way.
const WINDOW: usize = 256;

async fn pipelined<F: Future<Output = Outcome<()>>>(count: u32, make: impl Fn(u32) -> F) -> Outcome<usize> {
    let mut under_way = FuturesUnordered::new();
    for i in 0..count {
        if under_way.len() >= WINDOW {
            under_way.next().await.transpose()?;
        }
        under_way.push(make(i));
    }
    while under_way.next().await.transpose()?.is_some() {}
    Ok(count as usize)
}
async fn each<F: Future<Output = Outcome<()>>>(count: u32, make: impl Fn(u32) -> F) -> Outcome<usize> {
    for i in 0..count {
        make(i).await?;
    }
    Ok(count as usize)
}
fn mac(i: u32) -> Vec<u8> {
    vec![2, 0, 0, (i >> 16) as u8, (i >> 8) as u8, i as u8]
}
async fn bridge(handle: &Handle, i: u32) -> Outcome<()> {
    Ok(handle.link().add().bridge(format!("br{i}")).execute().await?)
}
/// Its builder of VXLANs knows no master: the request is built from its parts.
async fn vxlan(handle: &Handle, i: u32) -> Outcome<()> {
    let mut request = handle.link().add();
    let message = request.message_mut();
    message.header.flags = IFF_UP;
    message.header.change_mask = IFF_UP;
    let data = vec![InfoVxlan::Id(i + 1), InfoVxlan::Group(vec![10, 0, 0, 2]), InfoVxlan::Port(4789)];
    let info = vec![Info::Kind(InfoKind::Vxlan), Info::Data(InfoData::Vxlan(data))];
    message.nlas.extend([link::Nla::IfName(format!("vx{i}")), link::Nla::Master(1000), link::Nla::Info(info)]);
    Ok(request.execute().await?)
}
async fn route(handle: &Handle, i: u32) -> Outcome<()> {
    let to = Ipv4Addr::from(0x0a00_0000 + i);
    let request = handle.route().add().v4().destination_prefix(to, 32).output_interface(1000);
    Ok(request.protocol(4).scope(253).execute().await?)
}
/// Its `add_bridge` replaces: the request for appending is built from its parts.
async fn entry(handle: &Handle, i: u32) -> Outcome<()> {
    let mut message = NeighbourMessage::default();
    message.header.family = AF_BRIDGE as u8;
    message.header.ifindex = 1001;
    message.header.state = 0x80;
    message.header.flags = 2;
    message.nlas = vec![Nla::LinkLocalAddress(mac(i)), Nla::Destination(vec![10, 1, (i >> 8) as u8, i as u8])];
    let mut request = NetlinkMessage::from(RtnlMessage::NewNeighbour(message));
    request.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
    let mut answers = handle.clone().request(request)?;
    while let Some(answer) = answers.next().await {
        if let NetlinkPayload::Error(error) = answer.payload {
            return Err(error.to_io().into());
        }
    }
    Ok(())
}
async fn events(count: u32) -> Outcome<usize> {
    let (mut connection, _handle, mut messages) = new_connection()?;
    connection.socket_mut().socket_mut().bind(&SocketAddr::new(0, 1 << (RTNLGRP_NEIGH - 1)))?;
    tokio::spawn(connection);
    let mut writer = Command::new(std::env::var("BENCH_FLOOR")?);
    let mut child = writer.args(["neighbors", &count.to_string()]).stdout(std::process::Stdio::null()).spawn()?;
    let mut got = 0;
    while got < count as usize {
        match tokio::time::timeout(Duration::from_secs(1), messages.next()).await {
            Ok(Some((message, _))) => {
                got += matches!(message.payload, NetlinkPayload::InnerMessage(RtnlMessage::NewNeighbour(_))) as usize
            }
            _ => break,
        }
    }
    child.wait()?;
    Ok(got)
}
/// The founding story's host; rules by nft, since the library has none.
async fn host(handle: &Handle) -> Outcome<usize> {
    let mut request = handle.link().add();
    let message = request.message_mut();
    message.header.index = 1000;
    message.header.flags = IFF_UP;
    message.header.change_mask = IFF_UP;
    let info = vec![Info::Kind(InfoKind::Bridge)];
    message.nlas.extend([link::Nla::IfName("br0".into()), link::Nla::Mtu(1400), link::Nla::Info(info)]);
    request.execute().await?;
    let mut request = handle.link().add();
    let message = request.message_mut();
    message.header.flags = IFF_UP;
    message.header.change_mask = IFF_UP;
    let data = vec![InfoVxlan::Id(1), InfoVxlan::Group(vec![10, 0, 0, 2]), InfoVxlan::Port(4789)];
    let info = vec![Info::Kind(InfoKind::Vxlan), Info::Data(InfoData::Vxlan(data))];
    let name = link::Nla::IfName("vx0".into());
    message.nlas.extend([name, link::Nla::Mtu(1400), link::Nla::Master(1000), link::Nla::Info(info)]);
    request.execute().await?;
    let settings = [
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "2"),
        ("ipv4/conf/br0/rp_filter", "2"),
        ("ipv4/conf/br0/proxy_arp", "1"),
        ("ipv6/conf/br0/disable_ipv6", "1"),
    ];
    for (path, value) in settings {
        std::fs::write(format!("/proc/sys/net/{path}"), value)?;
    }
    let status = Command::new("nft").args(["-f", &std::env::var("BENCH_RULES")?]).status()?;
    if status.success() { Ok(1) } else { Err("nft refused the rules".into()) }
}
/// Nanoseconds on a processor, of all threads; this process has one.
fn cpu() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or("0").parse()?)
}

async fn round_trips(handle: &Handle, count: u32) -> Outcome<usize> {
    each(count, |_| async {
        handle.clone().link().get().match_index(1).execute().try_next().await?.ok_or("no link")?;
        Ok(())
    })
    .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    let (workload, count) = (args[1].as_str(), args[2].parse()?);
    let (connection, handle, _) = new_connection()?;
    tokio::spawn(connection);
    if workload == "round-trip" {
        round_trips(&handle, count).await?;
    }
    let (begin, before) = (Instant::now(), cpu()?);
    let objects = match workload {
        "bridges-each" => each(count, |i| bridge(&handle, i)).await?,
        "bridges" => pipelined(count, |i| bridge(&handle, i)).await?,
        "vxlans" => pipelined(count, |i| vxlan(&handle, i)).await?,
        "routes" => pipelined(count, |i| route(&handle, i)).await?,
        "entries" => pipelined(count, |i| entry(&handle, i)).await?,
        "links-dump" => handle.clone().link().get().execute().try_collect::<Vec<_>>().await?.len(),
        "routes-dump" => handle.route().get(IpVersion::V4).execute().try_collect::<Vec<_>>().await?.len(),
        "entries-dump" => {
            let mut request = handle.neighbours().get();
            request.message_mut().header.family = AF_BRIDGE as u8;
            request.message_mut().header.ifindex = 1001;
            request.execute().try_collect::<Vec<_>>().await?.len()
        }
        "round-trip" => round_trips(&handle, count).await?,
        "host" => host(&handle).await?,
        "events" => events(count).await?,
        _ => std::process::exit(3),
    };
    let ns = if workload == "events" { cpu()? - before } else { begin.elapsed().as_nanos() as u64 };
    println!("{{\"ns\": {ns}, \"objects\": {objects}}}");
    Ok(())
}
