// FIFO in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_fifo #(
  parameter WIDTH = 32,
  parameter DEPTH = 16,
  parameter POINTER_WIDTH = 4,
  parameter LEVEL_WIDTH = 5,
  parameter RAM = 0  // reads through a register, as a RAM does
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  output wire [LEVEL_WIDTH-1:0] level_o,
  input  wire                   in_valid_i,
  output wire                   in_ready_o,
  input  wire [WIDTH-1:0]       in_data_i,
  output wire                   out_valid_o,
  input  wire                   out_ready_i,
  output wire [WIDTH-1:0]       out_data_o
);
  localparam [POINTER_WIDTH-1:0] LAST = DEPTH - 1;
  localparam WRAPS = DEPTH != 1 << POINTER_WIDTH;  // others wrap by themselves

  reg [WIDTH-1:0]         mem [0:DEPTH-1];
  reg [POINTER_WIDTH-1:0] read_q;
  reg [POINTER_WIDTH-1:0] write_q;
  reg [LEVEL_WIDTH-1:0]   count_q;  // elements in the memory

  wire push = in_valid_i && in_ready_o;
  wire pop;  // an element leaves the memory

  assign in_ready_o = level_o != DEPTH;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q <= 0;
      write_q <= 0;
      count_q <= 0;
    end else begin
      if (push) write_q <= (WRAPS && write_q == LAST) ? 0 : write_q + 1'b1;
      if (pop) read_q <= (WRAPS && read_q == LAST) ? 0 : read_q + 1'b1;
      if (push && !pop) count_q <= count_q + 1'b1;
      else if (pop && !push) count_q <= count_q - 1'b1;
    end
  end

  always @(posedge clk_i) begin
    if (push) mem[write_q] <= in_data_i;
  end

  generate
    if (RAM) begin : gen_ram
      reg             valid_q;
      reg [WIDTH-1:0] data_q;

      assign pop = (count_q != 0) && (!valid_q || out_ready_i);
      assign level_o = count_q + valid_q;
      assign out_valid_o = valid_q;
      assign out_data_o = data_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else if (pop) valid_q <= 1'b1;
        else if (out_ready_i) valid_q <= 1'b0;
      end

      always @(posedge clk_i) begin
        if (pop) data_q <= mem[read_q];
      end
    end else begin : gen_registers
      assign pop = out_valid_o && out_ready_i;
      assign level_o = count_q;
      assign out_valid_o = count_q != 0;
      assign out_data_o = mem[read_q];
    end
  endgenerate
endmodule

`default_nettype wire
