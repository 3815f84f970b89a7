;; Logs and counts 1,000 times with every batch.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (local $times i32)
    (loop $again
      (call $log (i32.const 2) (i32.const 1024) (i32.const 5))
      (call $count (i32.const 1048) (i32.const 5) (i32.const 1))
      (local.set $times (i32.add (local.get $times) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $times) (i32.const 1000))))
    (i32.const 2048))
