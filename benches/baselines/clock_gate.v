// Clock gate in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_clock_gate #(
  parameter LATCH = 1  // a latch, or else a flip-flop at the falling edge
) (
  input  wire clk_i,
  input  wire enable_i,
  input  wire test_enable_i,
  output wire clk_o
);
  reg enable_q;

  generate
    if (LATCH) begin : gen_latch
      always @* if (!clk_i) enable_q = enable_i | test_enable_i;
    end else begin : gen_falling_edge
      always @(negedge clk_i) enable_q <= enable_i | test_enable_i;
    end
  endgenerate

  assign clk_o = clk_i & enable_q;
endmodule

`default_nettype wire
