//! Several quotas of a tower HTTP service decided all or nothing, fair to each client.
