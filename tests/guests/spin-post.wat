;; Never gets through the clean-up after saying what it is.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (export "lockgate:plugin/transform@0.1.0#process" (func $pass))
  (func (export "cabi_post_lockgate:plugin/transform@0.1.0#describe") (param i32) (call $forever))
