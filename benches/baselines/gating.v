// Gating fabric in plain Verilog: what the generated one is compared with. A counter of each kind
// of cycle for each core.

`default_nettype none

module plain_gating #(
  parameter CLUSTERS = 4,
  parameter CORES = 4,
  parameter INDEX_WIDTH = 4,
  parameter IDLE_CYCLES = 4,
  parameter COUNTER_WIDTH = 32
) (
  input  wire                      clk_i,
  input  wire                      rst_ni,
  input  wire [CLUSTERS*CORES-1:0] pending_i,
  input  wire [CLUSTERS*CORES-1:0] busy_i,
  input  wire                      override_i,
  input  wire                      test_enable_i,
  input  wire                      clear_i,
  input  wire                      read_i,
  input  wire [INDEX_WIDTH-1:0]    core_i,
  output wire [CLUSTERS*CORES-1:0] enable_o,
  output wire [CLUSTERS*CORES-1:0] awake_o,
  output reg  [CLUSTERS-1:0]       cluster_enable_o,
  output reg  [COUNTER_WIDTH-1:0]  active_o,
  output reg  [COUNTER_WIDTH-1:0]  idle_o,
  output reg  [COUNTER_WIDTH-1:0]  gated_o
);
  localparam TOTAL = CLUSTERS * CORES;

  reg [TOTAL-1:0]         awake_q;
  reg [15:0]              linger_q [0:TOTAL-1];
  reg [COUNTER_WIDTH-1:0] active_q [0:TOTAL-1];
  reg [COUNTER_WIDTH-1:0] idle_q   [0:TOTAL-1];
  reg [COUNTER_WIDTH-1:0] gated_q  [0:TOTAL-1];
  reg [COUNTER_WIDTH-1:0] cycles_q;

  wire [TOTAL-1:0] works = pending_i | busy_i;
  wire [TOTAL-1:0] need = works | {TOTAL{override_i}};

  assign awake_o = awake_q;
  assign enable_o = awake_q | {TOTAL{test_enable_i}};

  integer cluster;
  always @* begin
    for (cluster = 0; cluster < CLUSTERS; cluster = cluster + 1) begin
      cluster_enable_o[cluster] = |enable_o[cluster*CORES +: CORES];
    end
  end

  integer core;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      awake_q <= 0;
      cycles_q <= 0;
      active_o <= 0;
      idle_o <= 0;
      gated_o <= 0;
      for (core = 0; core < TOTAL; core = core + 1) begin
        linger_q[core] <= 0;
        active_q[core] <= 0;
        idle_q[core] <= 0;
        gated_q[core] <= 0;
      end
    end else begin
      cycles_q <= clear_i ? 0 : cycles_q + 1;
      if (read_i) begin
        active_o <= (core_i < TOTAL) ? active_q[core_i] : 0;
        idle_o <= (core_i < TOTAL) ? idle_q[core_i] : 0;
        gated_o <= (core_i < TOTAL) ? gated_q[core_i] : cycles_q;
      end
      for (core = 0; core < TOTAL; core = core + 1) begin
        awake_q[core] <= need[core] || linger_q[core] != 0;
        if (need[core]) linger_q[core] <= IDLE_CYCLES;
        else if (linger_q[core] != 0) linger_q[core] <= linger_q[core] - 1;
        if (clear_i) begin
          active_q[core] <= 0;
          idle_q[core] <= 0;
          gated_q[core] <= 0;
        end else if (!enable_o[core]) begin
          gated_q[core] <= gated_q[core] + 1;
        end else if (awake_q[core] && works[core]) begin
          active_q[core] <= active_q[core] + 1;
        end else begin
          idle_q[core] <= idle_q[core] + 1;
        end
      end
    end
  end
endmodule

`default_nettype wire
