//! Charts made by Slipway, and releases by Helm.
