"""What tests share: servers, builders of archives and releases, oracles, and ways to run commands."""
