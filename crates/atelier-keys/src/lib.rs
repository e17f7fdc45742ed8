//! Keys of providers and of clients: kept sealed, chosen, exchanged and revoked.
