;; Looks through a mebibyte of new memory for anything that another has left there, and refuses the batch where it finds it.
;; Then leaves the first cells of the batch all over it, and traps on a batch that holds "poison".
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (global $haunted (mut i32) (i32.const 0))
  (data (i32.const 2120) "a ghost")
  (data (i32.const 2128) "\01\00\00\00" "\48\08\00\00\07\00\00\00")
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (local $at i32) (local $end i32)
    (if (i32.eqz (global.get $haunted))
      (then
        (global.set $haunted (i32.shl (memory.grow (i32.const 16)) (i32.const 16)))
        (local.set $at (global.get $haunted))
        (local.set $end (i32.add (local.get $at) (i32.const 1048576)))
        (loop $next
          (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (return (i32.const 2128))))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
    (local.set $at (global.get $haunted))
    (local.set $end (i32.add (local.get $at) (i32.const 1040000)))
    (loop $again
      (memory.copy (local.get $at) (i32.load offset=16 (local.get $reads)) (i32.const 16))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (if (call $poisoned (local.get $reads)) (then (unreachable)))
    (i32.const 2048))
