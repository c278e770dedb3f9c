//! The project that is tested, as files: `workloads/strapi/`.

use include_dir::{Dir, include_dir};

/// Everything but the packages that it needs.
pub static PROJECT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/strapi");

/// Says which packages, each with its version and its hash.
pub const LOCKFILE: &str = include_str!("../../strapi/package-lock.json");

/// Of Strapi.
pub const VERSION: &str = "5.54.0";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_project_is_whole_and_says_its_version() {
        let file = |path: &str| PROJECT.get_file(path).unwrap().contents_utf8().unwrap();
        let package: Value = serde_json::from_str(file("package.json")).unwrap();
        assert_eq!(package["dependencies"]["@strapi/strapi"], VERSION);
        // Without this directory Strapi does not start.
        assert!(PROJECT.get_dir("public/uploads").is_some());
        for kind in ["entry", "register", "uregister", "counter", "list", "account", "article"] {
            let schema = format!("src/api/{kind}/content-types/{kind}/schema.json");
            let schema: Value = serde_json::from_str(file(&schema)).unwrap();
            assert_eq!(schema["info"]["singularName"], kind);
        }
    }

    #[test]
    fn the_lockfile_names_no_registry() {
        let lock: Value = serde_json::from_str(LOCKFILE).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 1_000, "{}", packages.len());
        let fields = ["resolved", "tarball"];
        let named = |(_, package): &(&String, &Value)| {
            fields.iter().any(|field| package.get(field).is_some())
        };
        assert_eq!(packages.iter().find(named), None);
    }
}
