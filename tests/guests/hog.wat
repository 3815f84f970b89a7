;; Takes all memory there is on a batch that holds "poison", writes into every page of it, and gives up when there is no more.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (local $page i32)
    (if (call $poisoned (local.get $reads))
      (then
        (loop $more
          (local.set $page (memory.grow (i32.const 16)))
          (if (i32.ne (local.get $page) (i32.const -1))
            (then
              (memory.fill (i32.shl (local.get $page) (i32.const 16)) (i32.const 1) (i32.const 1048576))
              (br $more))))
        (unreachable)))
    (i32.const 2048))
