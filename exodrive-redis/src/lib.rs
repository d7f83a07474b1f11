//! A Redis handle for request paths: no call waits longer than its deadline, reconnection happens elsewhere.
