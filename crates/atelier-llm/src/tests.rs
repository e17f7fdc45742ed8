//! Tests of the gateway as a whole, against a scripted server on a real socket.

mod ask;
mod budget;
mod discover;
mod prices;
mod registry;
mod retry;
mod routes;
mod server;
mod world;
