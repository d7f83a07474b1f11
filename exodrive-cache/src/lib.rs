//! A response cache for tower HTTP services whose entries a domain event provably removes.
