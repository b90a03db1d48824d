// Compaction of one survivor per cycle in plain Verilog: what the generated one is compared with.
//
// A priority encoder finds the first survivor of the window that has not gone yet. There is no
// queue, so that a window without survivors is a cycle without a survivor, and so is the end of a
// vector.

`default_nettype none

module plain_mask_apply #(
  parameter WIDTH = 8,
  parameter WINDOW = 64,
  parameter LANE_WIDTH = 6,
  parameter INDEX_WIDTH = 7
) (
  input  wire                    clk_i,
  input  wire                    rst_ni,
  input  wire                    in_valid_i,
  output wire                    in_ready_o,
  input  wire [WINDOW*WIDTH-1:0] in_data_i,
  input  wire [WINDOW-1:0]       in_mask_i,
  input  wire [LANE_WIDTH-1:0]   in_empty_i,
  input  wire                    in_last_i,
  output wire                    out_valid_o,
  input  wire                    out_ready_i,
  output wire [WIDTH-1:0]        out_data_o,
  output wire [INDEX_WIDTH-1:0]  out_index_o,
  output wire                    out_count_o,
  output wire                    out_last_o
);
  reg [WINDOW-1:0]      gone_q;   // survivors of the window that have gone
  reg [INDEX_WIDTH-1:0] base_q;   // the place of the window in its vector
  reg                   held_q;   // a survivor waits for the next one, or for the end
  reg [WIDTH-1:0]       held_data_q;
  reg [INDEX_WIDTH-1:0] held_index_q;
  reg                   valid_q;
  reg [WIDTH-1:0]       data_q;
  reg [INDEX_WIDTH-1:0] index_q;
  reg                   count_q;
  reg                   last_q;

  reg [WINDOW-1:0] pending;
  reg [WINDOW-1:0] first;
  reg [LANE_WIDTH-1:0] lane;
  reg [WIDTH-1:0]  data;
  reg              found;
  reg              more;
  integer i;
  always @* begin
    found = 1'b0;
    more = 1'b0;
    first = 0;
    lane = 0;
    data = 0;
    for (i = 0; i < WINDOW; i = i + 1) begin
      pending[i] = in_mask_i[i] && !gone_q[i] &&
          (!in_last_i || i == 0 || in_empty_i < WINDOW - i);
      if (pending[i]) begin
        if (found) more = 1'b1;
        else begin
          first[i] = 1'b1;
          lane = i;
          data = in_data_i[i*WIDTH +: WIDTH];
        end
        found = 1'b1;
      end
    end
  end

  wire step = in_valid_i && (!valid_q || out_ready_i);
  // The end of a vector takes a cycle of its own, in which the last survivor goes out.
  wire is_end = in_last_i && !found;
  wire accept = is_end || (!in_last_i && !more);

  assign in_ready_o = (!valid_q || out_ready_i) && accept;
  assign out_valid_o = valid_q;
  assign out_data_o = data_q;
  assign out_index_o = index_q;
  assign out_count_o = count_q;
  assign out_last_o = last_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      gone_q <= 0;
      base_q <= 0;
      held_q <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      if (!valid_q || out_ready_i) valid_q <= in_valid_i && (is_end || (found && held_q));
      if (step) begin
        gone_q <= accept ? 0 : gone_q | first;
        held_q <= !is_end && (held_q || found);
        if (accept) base_q <= in_last_i ? 0 : base_q + WINDOW;
      end
    end
  end

  always @(posedge clk_i) begin
    if (step) begin
      data_q <= held_q ? held_data_q : 0;
      index_q <= held_q ? held_index_q : 0;
      count_q <= held_q;
      last_q <= is_end;
      if (found) begin
        held_data_q <= data;
        held_index_q <= base_q + lane;
      end
    end
  end
endmodule

`default_nettype wire
