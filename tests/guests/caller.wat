;; Calls the gateway without end on a batch that holds "poison".
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (if (call $poisoned (local.get $reads))
      (then (loop $again (call $count (i32.const 1048) (i32.const 5) (i32.const 1)) (br $again))))
    (i32.const 2048))
