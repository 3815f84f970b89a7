;; Takes every row and changes nothing.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (export "lockgate:plugin/transform@0.1.0#process" (func $pass))
