// Mask by a threshold alone in plain Verilog: what exceeds it survives, however many there are.

`default_nettype none

module plain_mask_threshold #(
  parameter WIDTH = 8,
  parameter SIGNED = 1,
  parameter LANES = 4,
  parameter GROUP = 16,  // of beats of this many elements the first gives the threshold
  parameter KEEP_WIDTH = 5,
  parameter EMPTY_WIDTH = 2
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  input  wire                   in_valid_i,
  output wire                   in_ready_o,
  input  wire [LANES*WIDTH-1:0] in_data_i,
  input  wire [LANES-1:0]       in_previous_i,  // this one and the next do not matter here
  input  wire [KEEP_WIDTH-1:0]  in_keep_i,
  input  wire [WIDTH-1:0]       in_threshold_i,
  input  wire [WIDTH-1:0]       in_bonus_i,     // nor does this
  input  wire [EMPTY_WIDTH-1:0] in_empty_i,
  input  wire                   in_last_i,
  output wire                   out_valid_o,
  input  wire                   out_ready_i,
  output wire [LANES-1:0]       out_mask_o,
  output wire                   out_last_o
);
  localparam BEATS = GROUP > LANES ? GROUP / LANES : 1;

  reg  [5:0]       position_q;  // of the beat in its group
  reg  [WIDTH-1:0] threshold_q;
  wire             first = BEATS == 1 || position_q == 0;
  wire [WIDTH-1:0] threshold = first ? in_threshold_i : threshold_q;

  reg [LANES-1:0] mask_q;
  reg             valid_q, last_q;

  wire [EMPTY_WIDTH-1:0] empty = LANES > 1 ? in_empty_i : 0;
  wire [LANES-1:0] mask;
  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : gen_lane
      wire [WIDTH-1:0] x = in_data_i[i*WIDTH +: WIDTH];
      wire [WIDTH-1:0] score = (SIGNED && x[WIDTH-1]) ? -x : x;
      wire             present = i == 0 || !in_last_i || empty < LANES - i;
      assign mask[i] = present && score > threshold;
    end
  endgenerate

  assign in_ready_o = !valid_q || out_ready_i;
  assign out_valid_o = valid_q;
  assign out_mask_o = mask_q;
  assign out_last_o = last_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      position_q <= 0;
      valid_q <= 1'b0;
    end else begin
      if (in_valid_i && in_ready_o)
        position_q <= (in_last_i || position_q == BEATS - 1) ? 0 : position_q + 1;
      if (in_ready_o) valid_q <= in_valid_i;
    end
  end
  always @(posedge clk_i) begin
    if (in_valid_i && in_ready_o) begin
      if (first) threshold_q <= in_threshold_i;
      mask_q <= mask;
      last_q <= in_last_i;
    end
  end
endmodule

`default_nettype wire
