;; Panics on a batch that holds "poison" with a message of 5,000 bytes that drives terminals and forges lines.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (data (i32.const 3072) "panicked at src/lib.rs:7: \1b[31mred\0a2026-11-21T00:00:00Z ERROR forged: ")
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (if (call $poisoned (local.get $reads))
      (then
        (memory.fill (i32.const 3142) (i32.const 0x61) (i32.const 4930))
        (call $log (i32.const 4) (i32.const 3072) (i32.const 5000))
        (unreachable)))
    (i32.const 2048))
