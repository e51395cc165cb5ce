//! An address known before anyone listens there.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// An address on loopback that is given to nobody else while this stands, also while nobody listens there: who calls is
/// refused then.
///
/// The socket is bound and never listens. On Linux that keeps the port from all who ask for any port, listening or calling, and
/// lets those in who name it and allow reuse (`SO_REUSEADDR`), as tokio and Node.js do.
#[derive(Debug)]
pub struct ReservedAddress {
    address: SocketAddr,
    _bound: TcpSocket,
}

impl ReservedAddress {
    /// Takes a free port.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn new() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: socket.local_addr()?, _bound: socket })
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl std::fmt::Display for ReservedAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::ErrorKind;

    use tokio::net::{TcpListener, TcpStream};

    use super::ReservedAddress;

    #[tokio::test]
    async fn whoever_names_it_listens_there_again_and_again_and_in_between_nobody_answers() {
        let reserved = ReservedAddress::new().unwrap();
        for _ in 0..3 {
            assert_eq!(
                TcpStream::connect(reserved.address()).await.unwrap_err().kind(),
                ErrorKind::ConnectionRefused
            );
            let listener = TcpListener::bind(reserved.address()).await.unwrap();
            let (called, taken) = tokio::join!(TcpStream::connect(reserved.address()), listener.accept());
            drop((called.unwrap(), taken.unwrap()));
        }
    }

    #[tokio::test]
    async fn whoever_asks_for_any_port_is_given_another() {
        let mut others = BTreeSet::new();
        let reserved: Vec<_> = (0..200).map(|_| ReservedAddress::new().unwrap()).collect();
        let mut held = Vec::new();
        for _ in 0..200 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            others.extend([listener.local_addr().unwrap(), caller.local_addr().unwrap()]);
            held.push((listener, caller));
        }
        assert!(reserved.iter().all(|reserved| !others.contains(&reserved.address())));
        let distinct: BTreeSet<_> = reserved.iter().map(ReservedAddress::address).collect();
        assert_eq!(distinct.len(), reserved.len());
    }
}
