// Width converter in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_width_converter #(
  parameter IN_WIDTH = 8,
  parameter OUT_WIDTH = 32,
  parameter PARTS = 4,  // the wider width over the narrower one
  parameter COUNT_WIDTH = 2
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  input  wire                 in_valid_i,
  output wire                 in_ready_o,
  input  wire [IN_WIDTH-1:0]  in_data_i,
  output wire                 out_valid_o,
  input  wire                 out_ready_i,
  output wire [OUT_WIDTH-1:0] out_data_o
);
  localparam [COUNT_WIDTH-1:0] LAST = PARTS - 1;

  generate
    if (OUT_WIDTH > IN_WIDTH) begin : gen_join
      reg [OUT_WIDTH-1:0]   data_q;
      reg                   valid_q;
      reg [COUNT_WIDTH-1:0] count_q;

      assign in_ready_o = !valid_q || out_ready_i;
      assign out_valid_o = valid_q;
      assign out_data_o = data_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          valid_q <= 1'b0;
          count_q <= 0;
        end else if (in_ready_o) begin
          valid_q <= in_valid_i && (count_q == LAST);
          if (in_valid_i) count_q <= (count_q == LAST) ? 0 : count_q + 1'b1;
        end
      end

      always @(posedge clk_i) begin
        // The first part ends up lowest.
        if (in_valid_i && in_ready_o) data_q <= {in_data_i, data_q[OUT_WIDTH-1:IN_WIDTH]};
      end
    end else if (OUT_WIDTH < IN_WIDTH) begin : gen_split
      reg [IN_WIDTH-1:0]    data_q;
      reg                   valid_q;
      reg [COUNT_WIDTH-1:0] count_q;

      wire is_last = count_q == LAST;

      assign in_ready_o = !valid_q || (out_ready_i && is_last);
      assign out_valid_o = valid_q;
      assign out_data_o = data_q[OUT_WIDTH-1:0];

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          valid_q <= 1'b0;
          count_q <= 0;
        end else begin
          if (in_ready_o) valid_q <= in_valid_i;
          if (out_valid_o && out_ready_i) count_q <= is_last ? 0 : count_q + 1'b1;
        end
      end

      always @(posedge clk_i) begin
        if (in_valid_i && in_ready_o) data_q <= in_data_i;
        else if (out_ready_i) data_q <= data_q >> OUT_WIDTH;
      end
    end else begin : gen_same
      reg [OUT_WIDTH-1:0] data_q;
      reg                 valid_q;

      assign in_ready_o = !valid_q || out_ready_i;
      assign out_valid_o = valid_q;
      assign out_data_o = data_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else if (in_ready_o) valid_q <= in_valid_i;
      end

      always @(posedge clk_i) begin
        if (in_ready_o) data_q <= in_data_i;
      end
    end
  endgenerate
endmodule

`default_nettype wire
