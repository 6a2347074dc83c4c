import type { DeviceLimits } from '../device.js';

/** The limits that jobs are held against. */
export function limitsOf(limits: GPUSupportedLimits): DeviceLimits {
  return {
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBindingBytes: limits.maxStorageBufferBindingSize,
    maxUniformBindingBytes: limits.maxUniformBufferBindingSize,
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupStorageBytes: limits.maxComputeWorkgroupStorageSize,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}
