/// The version of Burn that this crate uses, pinned in its manifest.
pub const BURN_VERSION: &str = "0.22.1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_matches_the_manifest() {
        let manifest = include_str!("../../../Cargo.toml");
        let pinned = format!("burn = {{ version = \"={BURN_VERSION}\"");
        assert!(manifest.contains(&pinned));
    }
}
