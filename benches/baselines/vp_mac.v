// Plain lanes of 8-bit weights in Verilog: what the variable-precision ones are compared with. Both
// modules have the ports and the accumulators of the generated one, and know of no precision but 8,
// which is that of the lowest bit, so all bits of the accumulators are there.

`default_nettype none

module plain_vp_dot #(
  parameter LANES = 16,
  parameter PLACES = 4,  // activations of a lane, of which this one takes the first
  parameter BITS = 8,
  parameter SIGNED = 1,
  parameter SUM_BITS = 50,
  parameter ISOLATE = 1,  // the multipliers see zeros while nothing is offered
  parameter REGISTER = 0  // between the products and their accumulation
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  input  wire                         in_valid_i,
  output wire                         in_ready_o,
  input  wire [LANES*PLACES*BITS-1:0] in_activations_i,
  input  wire [LANES*8-1:0]           in_weights_i,
  input  wire [2:0]                   in_precision_i,
  input  wire                         in_last_i,
  output wire                         out_valid_o,
  input  wire                         out_ready_i,
  output wire signed [SUM_BITS-1:0]   out_sum_o
);
  localparam LEVELS = $clog2(LANES);
  localparam WIDE = 1 << LEVELS;
  localparam WIDTH = BITS + 9 + LEVELS;

  reg signed [SUM_BITS-1:0] sum_q;
  reg                       busy_q;  // the sum is that of a packet's first beats
  reg                       valid_q;

  // A tree of adders: node n adds nodes 2n and 2n + 1, the products are the last ones.
  wire signed [WIDTH-1:0] node [1:2*WIDE-1];
  wire rests = (ISOLATE && !in_valid_i) || in_precision_i != 3'd2;
  genvar n;
  generate
    for (n = 0; n < WIDE; n = n + 1) begin : gen_lane
      if (n < LANES) begin : gen_product
        wire [BITS-1:0] bits = in_activations_i[n*PLACES*BITS +: BITS];
        wire signed [BITS:0] activation = {SIGNED ? bits[BITS-1] : 1'b0, bits};
        wire signed [7:0] weight = rests ? 8'd0 : in_weights_i[n*8 +: 8];
        if (SIGNED) begin : gen_signed
          assign node[WIDE + n] = $signed(bits) * weight;
        end else begin : gen_unsigned
          assign node[WIDE + n] = activation * weight;
        end
      end else begin : gen_nothing
        assign node[WIDE + n] = 0;
      end
    end
    for (n = 1; n < WIDE; n = n + 1) begin : gen_sum
      assign node[n] = node[2 * n] + node[2 * n + 1];
    end
  endgenerate

  wire sum_ready = !valid_q || out_ready_i;
  wire signed [WIDTH-1:0] product;
  wire product_valid;
  wire product_last;
  generate
    if (REGISTER) begin : gen_register
      reg signed [WIDTH-1:0] product_q;
      reg product_valid_q;
      reg product_last_q;
      assign in_ready_o = !product_valid_q || sum_ready;
      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) product_valid_q <= 1'b0;
        else if (in_ready_o) product_valid_q <= in_valid_i;
      end
      always @(posedge clk_i) begin
        if (in_valid_i && in_ready_o) begin
          product_q <= node[1];
          product_last_q <= in_last_i;
        end
      end
      assign product = product_q;
      assign product_valid = product_valid_q;
      assign product_last = product_last_q;
    end else begin : gen_none
      assign in_ready_o = sum_ready;
      assign product = node[1];
      assign product_valid = in_valid_i;
      assign product_last = in_last_i;
    end
  endgenerate

  assign out_valid_o = valid_q;
  assign out_sum_o = sum_q;

  wire signed [SUM_BITS-1:0] addend = product;

  always @(posedge clk_i) begin
    if (product_valid && sum_ready) sum_q <= (busy_q ? sum_q : 0) + addend;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      if (product_valid && sum_ready) busy_q <= !product_last;
      if (sum_ready) valid_q <= product_valid && product_last;
    end
  end
endmodule

module plain_vp_outer #(
  parameter PLACES = 4,  // as many times the accumulators of a bank are in the one bank here
  parameter DEPTH = 4,
  parameter ROW_BITS = 2,
  parameter BITS = 8,
  parameter SIGNED = 1,
  parameter SUM_BITS = 50,
  parameter ISOLATE = 1,
  parameter REGISTER = 0
) (
  input  wire                       clk_i,
  input  wire                       rst_ni,
  input  wire                       in_valid_i,
  output wire                       in_ready_o,
  input  wire [1:0]                 in_operation_i,
  input  wire [BITS-1:0]            in_activation_i,
  input  wire [7:0]                 in_weights_i,
  input  wire [2:0]                 in_precision_i,
  input  wire [PLACES-1:0]          in_enable_i,
  input  wire [PLACES*ROW_BITS-1:0] in_row_i,  // the bank's number is above that of the row
  input  wire [SUM_BITS-1:0]        in_value_i,
  output wire                       out_valid_o,
  input  wire                       out_ready_i,
  output wire [PLACES*SUM_BITS-1:0] out_sums_o
);
  localparam ROWS = PLACES * DEPTH;
  localparam ADDRESS = ROW_BITS + $clog2(PLACES);

  reg [SUM_BITS-1:0] sums_q [0:ROWS-1];
  reg [ROWS-1:0] written_q;  // those that are not zero

  wire adds = in_operation_i == 2'd0;
  wire rests = (ISOLATE && !(in_valid_i && adds)) || in_precision_i != 3'd2;
  wire signed [BITS:0] activation = {SIGNED ? in_activation_i[BITS-1] : 1'b0, in_activation_i};
  wire signed [7:0] weight = rests ? 8'd0 : in_weights_i;
  wire signed [BITS+7:0] multiplied;
  generate
    if (SIGNED) begin : gen_signed
      assign multiplied = $signed(in_activation_i) * weight;
    end else begin : gen_unsigned
      assign multiplied = activation * weight;
    end
  endgenerate

  wire valid;
  wire [1:0] operation;
  wire signed [BITS+7:0] product;
  wire enable;
  wire [ADDRESS-1:0] row;
  wire [SUM_BITS-1:0] value;
  wire done = !out_valid_o || out_ready_i;
  generate
    if (REGISTER) begin : gen_register
      reg valid_q;
      reg [1:0] operation_q;
      reg signed [BITS+7:0] product_q;
      reg enable_q;
      reg [ADDRESS-1:0] row_q;
      reg [SUM_BITS-1:0] value_q;
      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else if (done) valid_q <= in_valid_i;
      end
      always @(posedge clk_i) begin
        if (in_valid_i && done) begin
          operation_q <= in_operation_i;
          product_q <= multiplied;
          enable_q <= in_enable_i[0];
          row_q <= in_row_i[ADDRESS-1:0];
          value_q <= in_value_i;
        end
      end
      assign valid = valid_q;
      assign operation = operation_q;
      assign product = product_q;
      assign enable = enable_q;
      assign row = row_q;
      assign value = value_q;
    end else begin : gen_none
      assign valid = in_valid_i;
      assign operation = in_operation_i;
      assign product = multiplied;
      assign enable = in_enable_i[0];
      assign row = in_row_i[ADDRESS-1:0];
      assign value = in_value_i;
    end
  endgenerate

  wire is_there = row < ROWS;
  wire [SUM_BITS-1:0] sum = is_there && written_q[row] ? sums_q[row] : {SUM_BITS{1'b0}};
  wire signed [SUM_BITS-1:0] addend = product;
  wire write = valid && !operation[1] && enable && is_there;

  assign in_ready_o = done;
  assign out_valid_o = valid && operation == 2'd2;
  assign out_sums_o = sum;

  always @(posedge clk_i) begin
    if (write) sums_q[row] <= operation[0] ? value : sum + addend;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) written_q <= {ROWS{1'b0}};
    else if (valid && operation == 2'd3) written_q <= {ROWS{1'b0}};
    else if (write) written_q[row] <= 1'b1;
  end
endmodule

`default_nettype wire
