//! The face without a socket.
