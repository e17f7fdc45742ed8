//! A network of a command's own: loopback and nothing else, and a door to the package registries.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    os::fd::OwnedFd,
};

use atelier_model::{Network, SandboxLevel};
use rustix::{
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with},
    thread::UnshareFlags,
};

use super::{frame::Order, hide::apart};

/// Where the kernel counts the sockets of a network.
const SOCKETS: &str = "/proc/net/sockstat";
/// The port of the door, in a network where nobody else is.
pub(super) const DOOR_PORT: u16 = 3128;

/// Gives the light level a network of its own where that is asked for. Without the rights for one
/// this fails: the machine's own would be more than was asked for.
pub(super) fn beside(order: &Order) -> io::Result<()> {
    if order.level != SandboxLevel::Light || order.host_network {
        return Ok(());
    }
    match order.network {
        // Its sockets are refused.
        Network::None => Ok(()),
        Network::Loopback => own(),
        Network::Install => Err(io::Error::other(
            "have a door to the package registries alone: that takes the level strong",
        )),
    }
}

/// Whether nothing of earlier connections is left in the network of this process, if it is its own:
/// for a minute the kernel keeps ports from whoever wants them next.
pub(super) fn is_quiet(order: &Order) -> bool {
    let own = order.level != SandboxLevel::None && !order.host_network;
    if !own || order.network != Network::Loopback {
        return true;
    }
    let counts = fs::read_to_string(SOCKETS).unwrap_or_default();
    let Some(line) = counts.lines().find_map(|line| line.strip_prefix("TCP:")) else {
        return false;
    };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let count = |name: &str| {
        let place = words.iter().position(|word| *word == name)?;
        words.get(place + 1)?.parse::<u64>().ok()
    };
    count("inuse") == Some(0) && count("tw") == Some(0)
}

fn own() -> io::Result<()> {
    apart(UnshareFlags::NEWNET).map_err(|error| {
        io::Error::other(format!(
            "have a loopback network of its own: {error} (the network none needs no rights)"
        ))
    })?;
    loopback()
}

/// Listens where a command that installs packages finds its proxy. Whoever accepts stands outside.
pub(super) fn listen(order: &Order) -> io::Result<Option<TcpListener>> {
    if order.network != Network::Install {
        return Ok(None);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, DOOR_PORT)).map(Some)
}

/// A socket of this network, for whoever visits the command from outside.
pub(super) fn visitor(order: &Order) -> io::Result<Option<OwnedFd>> {
    if !order.visited {
        return Ok(None);
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(Some(socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        flags,
        None,
    )?))
}

/// The device through which a machine talks to itself is down at first.
pub(super) fn loopback() -> io::Result<()> {
    // struct nlmsghdr, then struct ifinfomsg: device 1, flag "up" set to "up".
    let mut request = Vec::with_capacity(32);
    request.extend_from_slice(&32_u32.to_ne_bytes());
    request.extend_from_slice(&libc::RTM_NEWLINK.to_ne_bytes());
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK).unwrap_or_default();
    request.extend_from_slice(&flags.to_ne_bytes());
    request.extend_from_slice(&[0; 8]);
    request.extend_from_slice(&[0; 4]);
    request.extend_from_slice(&1_i32.to_ne_bytes());
    let up = libc::IFF_UP.unsigned_abs();
    request.extend_from_slice(&up.to_ne_bytes());
    request.extend_from_slice(&up.to_ne_bytes());
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    send(&socket, &request, SendFlags::empty())?;
    let mut answer = [0_u8; 64];
    let (_, count) = recv(&socket, &mut answer, RecvFlags::empty())?;
    // struct nlmsgerr: the error stands behind the header, negative.
    let error = answer.get(16..20).filter(|_| count >= 20);
    match error
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_ne_bytes)
    {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
