//! What is proven of the variable-precision multiply-accumulate.
