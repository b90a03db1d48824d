// Multiply-accumulate lane in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_mac #(
  parameter A_WIDTH = 8,
  parameter B_WIDTH = 8,
  parameter SUM_WIDTH = 26,
  parameter ISOLATE = 1  // the multiplier sees zeros while nothing is offered
) (
  input  wire                        clk_i,
  input  wire                        rst_ni,
  input  wire                        in_valid_i,
  output wire                        in_ready_o,
  input  wire signed [A_WIDTH-1:0]   in_a_i,
  input  wire signed [B_WIDTH-1:0]   in_b_i,
  input  wire                        in_last_i,
  output wire                        out_valid_o,
  input  wire                        out_ready_i,
  output wire signed [SUM_WIDTH-1:0] out_sum_o
);
  reg signed [SUM_WIDTH-1:0] sum_q;
  reg                        busy_q;  // the sum is that of a packet's first beats
  reg                        valid_q;

  wire push = in_valid_i && in_ready_o;
  wire rests = ISOLATE && !in_valid_i;
  wire signed [A_WIDTH-1:0] a = rests ? 0 : in_a_i;
  wire signed [B_WIDTH-1:0] b = rests ? 0 : in_b_i;

  assign in_ready_o = !valid_q || out_ready_i;
  assign out_valid_o = valid_q;
  assign out_sum_o = sum_q;

  always @(posedge clk_i) begin
    if (push) begin
      if (busy_q) sum_q <= sum_q + a * b;
      else sum_q <= a * b;
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      if (push) busy_q <= !in_last_i;
      if (in_ready_o) valid_q <= in_valid_i && in_last_i;
    end
  end
endmodule

`default_nettype wire
