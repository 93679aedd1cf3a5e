//! Tests of the formats as another program sees them.

mod golden;
