//! The configs that are built into the program, so that it works in any folder.

/// Name and text, sorted by name. A test compares the list with the folder `configs`.
pub(super) const SHIPPED: &[(&str, &str)] = &[
    ("custom_scenario", include_str!("../../configs/custom_scenario.ron")),
    ("hosts_load_with_peaks", include_str!("../../configs/hosts_load_with_peaks.ron")),
    ("single_host_load", include_str!("../../configs/single_host_load.ron")),
];

/// The text of the config called so.
pub(super) fn find(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}
