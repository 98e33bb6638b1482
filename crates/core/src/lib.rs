//! The pure heart of Slipway: the model, the plan, the image key and the life of a deployment.
