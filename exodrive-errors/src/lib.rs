//! Every failure of a tower HTTP service as one documented JSON envelope, logged once, with a trace id.
