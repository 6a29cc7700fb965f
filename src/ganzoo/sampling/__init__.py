"""What makes samples: mixins of models, and what people and metrics get from them."""
