// Register slice in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_register_slice #(
  parameter WIDTH = 32,
  parameter FORWARD = 1,  // registers valid and data
  parameter BACKWARD = 1  // registers ready
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire             in_valid_i,
  output wire             in_ready_o,
  input  wire [WIDTH-1:0] in_data_i,
  output wire             out_valid_o,
  input  wire             out_ready_i,
  output wire [WIDTH-1:0] out_data_o
);
  wire             mid_valid;
  wire             mid_ready;
  wire [WIDTH-1:0] mid_data;

  generate
    if (BACKWARD) begin : gen_backward
      reg             skid_valid_q;
      reg [WIDTH-1:0] skid_data_q;

      assign in_ready_o = !skid_valid_q;
      assign mid_valid = in_valid_i || skid_valid_q;
      assign mid_data = skid_valid_q ? skid_data_q : in_data_i;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) skid_valid_q <= 1'b0;
        else skid_valid_q <= mid_valid && !mid_ready;
      end

      always @(posedge clk_i) begin
        if (in_ready_o) skid_data_q <= in_data_i;
      end
    end else begin : gen_no_backward
      assign in_ready_o = mid_ready;
      assign mid_valid = in_valid_i;
      assign mid_data = in_data_i;
    end

    if (FORWARD) begin : gen_forward
      reg             valid_q;
      reg [WIDTH-1:0] data_q;

      assign mid_ready = !valid_q || out_ready_i;
      assign out_valid_o = valid_q;
      assign out_data_o = data_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else if (mid_ready) valid_q <= mid_valid;
      end

      always @(posedge clk_i) begin
        if (mid_ready) data_q <= mid_data;
      end
    end else begin : gen_no_forward
      assign mid_ready = out_ready_i;
      assign out_valid_o = mid_valid;
      assign out_data_o = mid_data;
    end
  endgenerate
endmodule

`default_nettype wire
